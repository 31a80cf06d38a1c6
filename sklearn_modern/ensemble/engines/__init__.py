"""One adapter a library, behind one contract."""

__all__ = []
