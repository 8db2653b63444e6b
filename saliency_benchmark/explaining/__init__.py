"""What methods are made of: passes with rules of their own, feature maps, paths, parts of images, copies.

Families of methods/ share this code; the engine that feeds them (attribution, batching, sharing) does not know it.
"""
