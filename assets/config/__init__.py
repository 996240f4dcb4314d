"""The YAML configuration as validated models, one module per part; `loader.py` reads the file.

Add a key to the model of its part. The behavior of a key belongs in the stage that uses it.
"""
