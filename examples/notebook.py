"""A researcher's first look: one cohort, flags, and a table of patterns by sex.

Run: python examples/notebook.py
"""

import numpy as np
import pandas as pd

import cbc_screen as cbc

chance = np.random.default_rng(4)
people = 2_000
cohort = pd.DataFrame(
    {
        "age": chance.integers(18, 90, people),
        "sex": chance.choice(["F", "M"], people),
        "HGB (g/dL)": chance.normal(13.6, 1.8, people).round(1),
        "WBC (10^9/L)": chance.normal(6.8, 2.2, people).clip(0.2).round(1),
        "NEUT (10^9/L)": chance.normal(4.0, 1.6, people).clip(0.1).round(1),
        "PLT (10^9/L)": chance.normal(250, 75, people).clip(3).round(0),
    }
)

flags = cbc.screen_frame(cohort, age_unit="y")
print(pd.crosstab(cohort["sex"], flags["pattern"]))
print(flags.loc[flags["pattern"] == "pancytopenia", ["severity", "urgency", "checklist"]].head().to_string())
