"""The page of `lipverify demo`: a module computes each tab, widget.py and static/ show it, page.py puts it together."""
