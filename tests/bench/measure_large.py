"""Ten thousand and ten million: what requests cost then."""


def large(c):
    import large as data  # not before it is wanted
    few, many = data.FEW, 10 * data.FEW if c.options.quick else data.MANY
    for name, before, after, growth in data.compare(c.system, many):
        c.figures.add(f"{name}, with {few:,} and {many:,}", few=before, many=after, growth=growth)
