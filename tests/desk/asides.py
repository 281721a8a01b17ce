"""Where post-execution plugins run in tests that have one of them hang, without any thread."""

from collections.abc import Sequence

from fillwright.desk.asides import Call, Hung, InlineAside


class HangsNow(InlineAside):
    """In the loop's thread; these names hang from their next call on."""

    def __init__(self, *names: str) -> None:
        self.names = set(names)
        self.hung: frozenset[str] = frozenset()

    async def each(self, calls: Sequence[Call]) -> list[object]:
        """Call one after the other, but for those that hang."""
        answers: list[object] = []
        for call in calls:
            if call.name in self.names:
                self.hung |= {call.name}
                answers.append(Hung(1.0))
            else:
                answers += await super().each([call])
        return answers
