"""Is this machine ready for the lessons, and how large should their data be: ``course doctor``."""

from __future__ import annotations

from course.diagnosis.diagnosis import Check, Diagnosis
from course.diagnosis.doctor import doctor

__all__ = ["Check", "Diagnosis", "doctor"]
