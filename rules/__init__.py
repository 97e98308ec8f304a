"""The rule packs that ship, as data of the package `tariff.rules`."""
