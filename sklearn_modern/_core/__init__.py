"""What every part of the package stands on."""

__all__: list[str] = []
