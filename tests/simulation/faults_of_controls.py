"""Faults of limits: the standard controls, and what gate and books hand them to judge by."""

from collections.abc import Sequence

from simulation.planting import Mutant, mutant

RISK = "fillwright_risk."
JUDGE = "fillwright.risk.judge:Judge."
HOUSE = "fillwright.risk.house:"

MUTANTS: Sequence[Mutant] = (
    # ------------------------------------------------ gate and books
    mutant(
        "batch_forgets_itself",
        "two orders that are judged in one go both pass a limit that has room for one",
        (
            JUDGE + "_next",
            "overlay.add(order, book, proposal.client_order_id, change=change, asked=asked)",
            "pass",
        ),
        only=("controls",),
    ),
    mutant(
        "batch_forgets_its_deeds",
        "orders that are judged in one go do not count for the pace of those that follow",
        (
            "fillwright.risk.overlay:Overlay.over",
            "view.history.plus(partial(self._events, len(self._judged)))",
            "view.history",
        ),
        only=("order_rate", "daily_capital", "basket_notional", "price_drift"),
    ),
    mutant(
        "restart_forgets_deeds",
        "a restart resets the day's capital and the pace of orders",
        (
            "fillwright.desk.keeper:Keeper.replay",
            "change = self._replayed(fact, record.seq)",
            (
                "change = self._replayed(fact, record.seq)\n"
                "        self.historian = Historian(A_DAY)"
            ),
        ),
        only=("controls",),
    ),
    mutant(
        "doubt_is_no_deed",
        "an order in doubt does not count for what was put to work",
        (
            "fillwright.desk.historian:Historian._doubted",
            "self._settle(fact.key, change=fact.action is Action.REPLACE)",
            "self.release(fact.key, change=fact.action is Action.REPLACE)",
        ),
        only=("controls",),
    ),
    mutant(
        "last_check_is_not_asked",
        "the check that was configured last is never asked",
        (JUDGE + "_round", "in self._checks:", "in self._checks[:-1]:"),
        only=("controls",),
    ),
    mutant(
        "missing_data_allows",
        "a check whose data is missing counts as no objection",
        (
            JUDGE + "_round",
            "verdict = lacking(known[inputs], code, order, book)",
            "verdict = ALLOW",
        ),
        only=("unanswered_reads",),
    ),
    mutant(
        "halt_of_a_check_is_not_latched",
        "a halt that a check asks for holds the one order and nothing behind it",
        ("fillwright.desk.approvals:Approvals.latch", "for wanted in halts:", "for wanted in ():"),
    ),
    mutant(
        "doubt_stops_nobody",
        "new risk leaves in a symbol of which an outcome is unknown",
        (
            HOUSE + "_no_new_risk",
            "if order.symbol in conditions.doubtful_symbols:",
            "if False:",
        ),
        only=("controls",),
    ),
    mutant(
        "unready_stops_nobody",
        "new risk leaves while the stream is down",
        (HOUSE + "_no_new_risk", "if conditions.not_ready:", "if False:"),
        only=("controls",),
    ),
    mutant(
        "half_as_large_again",
        "C01: an order that is half as large again as its limit passes",
        (
            RISK + "size:MaxOrderQuantity.check_order",
            "if known(quantity) and quantity <= limit:",
            "if known(quantity) and quantity * 2 <= limit * 3:",
        ),
        only=("max_order_quantity",),
    ),
    mutant(
        "shares_taken_for_money",
        "C02: the number of shares is compared with a limit of money",
        (RISK + "size:_value", "order.quantity * price", "order.quantity"),
        only=("max_order_notional",),
    ),
    mutant(
        "drift_in_money",
        "C05: how far a price walked is taken in money, and compared with percent",
        (
            RISK + "drift:PriceDrift.check_order",
            "drift = abs(price - best) * HUNDRED",
            "drift = abs(price - best)",
        ),
        only=("price_drift",),
    ),
    mutant(
        "participation_without_fills",
        "C07: what filled today does not count for our part of the volume",
        (
            RISK + "volume:Participation.check_order",
            "ours = filled + held.open_buys + held.open_sells",
            "ours = held.open_buys + held.open_sells",
        ),
        only=("participation",),
    ),
    mutant(
        "long_without_open_buys",
        "C08: open buys do not count for the size of a position",
        (
            RISK + "position:MaxLongPosition._by_shares",
            "others = held.position + held.open_buys",
            "others = held.position",
        ),
        only=("max_long_position",),
    ),
    mutant(
        "gross_without_open_orders",
        "C10: open orders do not count for the exposure of the account",
        (
            RISK + "portfolio:gross_of",
            "total += abs(value) + held.open_buy_value + held.open_sell_value",
            "total += abs(value)",
        ),
        (
            RISK + "portfolio:Totals.gross",
            "self.long + self.short + self.open_buys + self.open_sells",
            "self.long + self.short",
        ),
        only=("gross_exposure", "sector_exposure"),
    ),
    mutant(
        "capital_by_fills",
        "C13: only what filled counts for the day's capital",
        (
            RISK + "capital:_others",
            "book.history.value(Deed.SENT, Deed.REPLACED, since=since, **only)",
            "book.history.value(Deed.FILLED, since=since)",
        ),
        only=("daily_capital", "basket_notional"),
    ),
    mutant(
        "basket_of_one",
        "C14: each order of a plan or parent is compared with the limit alone",
        (
            RISK + "capital:BasketNotional.check_order",
            "_others(book, parent=order.parent_id)",
            "_others(book, parent=order.parent_id, plan='none')",
        ),
        only=("basket_notional",),
    ),
    mutant(
        "children_under_way_are_free",
        "C15: what other children may still fill does not count for their parent",
        (
            RISK + "parent:ParentQuantity.check_order",
            "+ book.beside.children + quantity",
            "+ quantity",
        ),
        only=("controls",),
    ),
    mutant(
        "one_order_more_in_the_window",
        "C16: one order more than the limit passes in each window",
        (
            RISK + "rate:OrderRate.check_order",
            "if measured > bound.limit:",
            "if measured > bound.limit + 1:",
        ),
        (
            RISK + "rate:OrderRate.check_order",
            "if everything <= table.least:",
            "if everything <= table.least + 1:",
        ),
        only=("order_rate",),
    ),
    mutant(
        "open_orders_may_fill",
        "C18: orders that may still fill do not count for those that nobody looked at",
        (
            RISK + "repeats:RepeatedExecution.check_order",
            "if filled + under_way < limit or book.reduces(order):",
            "if filled < limit or book.reduces(order):",
        ),
        only=("repeated_execution",),
    ),
    mutant(
        "alike_only_at_once",
        "C19: the same order again is noticed only in the same moment",
        (
            RISK + "duplicate:DuplicateOrder.check_order",
            "if age <= window and",
            "if age * 1000 <= window and",
        ),
        only=("controls",),
    ),
    mutant(
        "restart_forgets_what_left",
        "C19: a new process does not know which orders left a moment ago",
        (
            "fillwright.desk.approvals:Approvals.recall",
            "remember(self._recent, self._keeper, self._clock)",
            "pass",
        ),
        only=("controls",),
    ),
    mutant(
        "one_open_order_too_many",
        "C22: one order more than the limit may be open",
        (
            RISK + "open_orders:OpenOrders.check_order",
            "if side > table.side_orders:",
            "if side > table.side_orders + 1:",
        ),
        only=("open_orders",),
    ),
    mutant(
        "restricted_may_be_sold_off",
        "C23: what is restricted may be traded by an order that reduces",
        (
            RISK + "lists:Restricted.check_order",
            "if order.symbol in table.symbols:",
            "if order.symbol in table.symbols and not book.reduces(order):",
        ),
        only=("restricted",),
    ),
    mutant(
        "any_strategy_may_reduce",
        "C24: a strategy may take off what it may not trade",
        (
            RISK + "lists:Permission.check_order",
            "if order.strategy is None and book.reduces(order):",
            "if book.reduces(order):",
        ),
        only=("permission",),
    ),
    mutant(
        "reduce_only_is_believed",
        "C40: an order that says that it only reduces is believed",
        (
            "fillwright.risk.judge:house_rules",
            "reducing = book.reduces(order)",
            "reducing = order.reduce_only or book.reduces(order)",
        ),
        only=("controls",),
    ),
)

#: Too rare for the seeds that are drawn: each is found by a case that is kept for it.
BY_CASE: Sequence[Mutant] = (
    mutant(
        "drift_from_the_newest",
        "C05: a price is held to our last one alone, so that it may walk",
        (
            RISK + "drift:PriceDrift.check_order",
            "prices = [best, *(event.price for event in sent if event.price is not None)]",
            "prices = [best, *(event.price for event in sent[-1:] if event.price is not None)]",
        ),
        only=("price_drift",),
    ),
    mutant(
        "short_without_open_sells",
        "C09: open sells do not count for the size of a short",
        (
            RISK + "position:MaxShortPosition.check_order",
            "others = held.position - held.open_sells",
            "others = held.position",
        ),
        only=("max_short_position",),
    ),
    mutant(
        "proceeds_are_settled",
        "C31: the proceeds of today's sells pay for buys",
        (
            RISK + "credit:SettledCash.check_order",
            "settled = book.account.cash - sold - ",
            "settled = book.account.cash - ",
        ),
        only=("settled_cash",),
    ),
    mutant(
        "remembered_as_it_became",
        "C19: an order that a control made smaller is not known again when it is asked for twice",
        (
            "fillwright.desk.approvals:Approvals.reserve",
            "alike = wanted or state.order or order",
            "alike = order",
        ),
        only=("controls",),
    ),
)
