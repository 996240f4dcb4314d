"""The YAML configuration as validated models, one module per part; `loader.py` reads the file.

Add a setting to the model of its part. What a setting does belongs to the stage that uses it.
"""
