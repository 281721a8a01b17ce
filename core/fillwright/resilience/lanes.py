"""What a request is for, and so how important it is."""

from enum import IntEnum


class Lane(IntEnum):
    """The lower the number, the more important."""

    #: Takes risk away.
    CANCEL = 0
    #: Settles what is unknown: an order in doubt, open orders, executions.
    QUERY = 1
    #: Adds risk: new orders and replaces.
    SUBMIT = 2
    #: Can wait: quotes, the account, a periodic look.
    POLL = 3
