"""A second opinion for the attack: plain Python over the data files, with nothing of the product.

`tables` reads reference_ranges/, `judge` says what each answer can be where only the truth of a
row is known, `persons` and `cells` make truths with what is written of them, `rows` and `doors`
put them together and through the product, and `law` compares. Numbers are exact: integers in
billionths of the canonical unit, and fractions where a division does not go out.
"""
