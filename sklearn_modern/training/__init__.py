"""How networks are trained: batches, objectives, optimisers, schedules, and the loop on skorch."""

__all__: list[str] = []
