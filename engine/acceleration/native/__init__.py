"""Convolution blocks in C++, compiled where they are used."""
