"""The main job on real input, told as a story: publish, ask, edit, ask again, delete, ask again."""
