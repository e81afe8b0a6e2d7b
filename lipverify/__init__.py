"""lipverify"""
