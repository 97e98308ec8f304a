"""Rule packs: typed decoding, loading, checking, compiling."""
