"""Data sets. One file each: `load(split, **options)` gives the arrays of `artifacts.IMAGES`, or blocks of
them one after the other (an iterator), so that no more than one must be in memory.

`data` (image, channel, row, column) bytes, `label` (image), `index` (image): the position in the source, and, where the
place of the class is known, `region` (image, row, column). `REGIONS` says so: True, False, or the option that brings
them, or a tuple of such. Where an image can have several labels, `labels` (image, label) says which it has, `regions`
(image, label, row, column) where each of them is; `label` and `region` are then of one of them. `FILES` names the
options that are folders or tables (.csv) of the user's, `DATA` a folder that ships with the project: what lies there
decides the images too. `shape(**options)` may tell (channel, row, column) before any image is read, or None;
`classes(**options)` may tell the names of the classes in the order of their labels, for people to read.
`problems(**options)` may tell what of the options cannot be used, a sentence each, where all have their names and their
folders are there. What is made of another data set names it by `of`, and its options by `of_options`.
"""
