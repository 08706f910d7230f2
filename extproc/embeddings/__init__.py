"""Embeddings: texts in, vectors out; a smaller translation beside that of chats.

``model`` is what the dialect and the formats meet in, ``formats`` what providers speak.
"""
