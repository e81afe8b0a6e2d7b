"""The page: `lipverify demo`. study.py computes, widget.py and static/ show, page.py puts them together."""
