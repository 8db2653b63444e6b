"""The study with people: items of the utility study -> a folder of pages, a server for them, logs of participants."""
