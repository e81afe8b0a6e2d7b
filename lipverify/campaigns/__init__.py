"""Campaigns: many networks × domains × norms × methods, kept in one store as they are done.

entries.py spec.py say what is asked, jobs.py asks it, store.py keeps the answers, results.py shows them, running.py is
the verb; specs/ holds those that come along.
"""
