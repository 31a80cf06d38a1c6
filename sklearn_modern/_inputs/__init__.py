"""User input becomes arrays, or a clear error."""

__all__: list[str] = []
