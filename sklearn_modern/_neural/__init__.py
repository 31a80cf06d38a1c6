"""What every neural estimator is made of."""

__all__: list[str] = []
