"""Articles, slides and speaker notes as PDF, set by Typst: nothing but pip packages, no network, no system font."""

from __future__ import annotations

from course.publish.typst.exporters import NotesPDFExporter, PDFExporter, SlidesPDFExporter

__all__ = ["NotesPDFExporter", "PDFExporter", "SlidesPDFExporter"]
