"""Shared kernel: people, the audit trail, jobs, AWS sessions, storage, and the bases of API and admin.

Imports no app of ours.
"""
