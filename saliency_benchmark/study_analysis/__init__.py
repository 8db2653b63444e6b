"""Studies with people: from their logs to accuracy, contrasts, equivalence, and how many people it takes.

A log is JSON lines, an object per event, with the keys of `contract`. Nothing here reads images or models; the study
pages and `simulated_participants` write logs of one form.
"""
