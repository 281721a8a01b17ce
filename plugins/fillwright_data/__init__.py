"""Sources of data for checks: CSV files, and the calendar of an exchange.

Each is a plugin of its own, named in desk.toml:

    [data]
    providers = ["csv", "calendar"]

    [csv]
    files = ["market.csv"]

    [calendar]
    exchange = "XNYS"
"""
