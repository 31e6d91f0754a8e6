"""Test equipment: a process that speaks the whole protocol as a Unity player does; another engine draws."""
