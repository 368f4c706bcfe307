"""The commands that a person types, by what they are for. `toadworks.py` joins them; each hands its work to the
flows."""
