"""Rules-driven tariff checks for NHS commissioning."""

__version__ = "0.1.0"
