"""What happens to a training batch before the network sees it."""

__all__: list[str] = []
