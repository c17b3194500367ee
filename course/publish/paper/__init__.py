"""An executed notebook goes in; an A4 article, a 16:9 deck or the speaker's handout comes out, as PDF set by Typst.

Nothing but pip packages is used: no network, no system font, so that the same notebook always gives the same bytes.
Start reading at ``document.py``, which has the three documents; ``cells.py`` then sets what a cell holds.
"""

from __future__ import annotations

from course.publish.paper.document import NotesPDFExporter, PDFExporter, SlidesPDFExporter

__all__ = ["NotesPDFExporter", "PDFExporter", "SlidesPDFExporter"]
