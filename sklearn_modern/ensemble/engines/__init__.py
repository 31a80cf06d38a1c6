"""One adapter per library, behind one contract."""

__all__ = []
