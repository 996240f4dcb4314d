"""Patches of other libraries, one module each.

A patch says what it saves and for which versions; a test fails when it is no longer needed.
"""
