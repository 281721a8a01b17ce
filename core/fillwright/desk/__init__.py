"""The standard execution manager."""
