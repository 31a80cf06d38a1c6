"""What users hand in becomes arrays, or a clear error."""

__all__: list[str] = []
