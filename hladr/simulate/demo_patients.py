"""What the demo study is made of: its laboratories, its patients draw by draw, and what goes wrong.

Calls and reversals are written down by hand from the trial's rules, not computed by the code that they check.
"""

CALLS = {"M": "MALS", "S": "SIP", "U": "unclassified", "I": "indeterminate"}

LABS = {
    "athens": {
        "markers": {"HLA-DR": "PE-A", "CD14": "PerCP-Cy5-5-A", "CD45": "APC-A"},
        "scatter": {"forward": "FSC-A", "forward_height": "FSC-H", "side": "SSC-A"},
        "compensation": "from_file",
        "decimal": ",",
        "timezone": "Europe/Athens",
        "preparation": "lyse-wash",
    },
    "jena": {
        "markers": {"HLA-DR": "FL2 INT", "CD14": "FL4 INT", "CD45": "FL6 INT"},
        "scatter": {"forward": "FS INT", "forward_height": "FS PEAK", "side": "SS INT"},
        "decimal": ".",
        "timezone": "Europe/Berlin",
        "preparation": "lyse-wash",
    },
    "utrecht": {
        "markers": {"HLA-DR": "FL2-H", "CD14": "FL3-H", "CD45": "FL4-H"},
        "scatter": {"forward": "FSC-H", "side": "SSC-H"},
        "decimal": ".",
        "timezone": "Europe/Amsterdam",
        "preparation": "lyse-wash",
    },
    "leuven": {
        "markers": {"HLA-DR": "PE-A", "CD14": "PC5.5-A", "CD45": "APC-A"},
        "scatter": {"forward": "FSC-A", "forward_height": "FSC-H", "side": "SSC-A"},
        "compensation": "from_file",
        "decimal": ",",
        "timezone": "Europe/Brussels",
        "preparation": "lyse-wash",
        "missing_words": ["haemolysed", "hemolytisch"],
    },
}
MODELS = {"athens": "canto", "jena": "navios", "utrecht": "calibur", "leuven": "cytoflex"}

# patient, lab, arm, admitted on (days after FIRST_DAY), draws: (day, true AB/C, ferritin as delivered, unit, expected
# call), reversal, its day. AB/C stays more than 10 % away from 5000 and 8000.
PATIENTS = (
    (
        *("ATH-001", "athens", "precision", 0),
        (
            (1, 3900, "12.340", "ng/mL", "M"),
            (2, 4200, "9.870,5", "ng/mL", "M"),
            (4, 6200, "6.410", "ng/mL", "M"),
            (7, 9800, "3.150", "ng/mL", "U"),
            (15, 14800, "1.420,5", "ng/mL", "U"),
        ),
        *("attained", 2),
    ),
    (
        *("ATH-002", "athens", "placebo", 3),
        (
            (1, 6600, "5.230", "µg/L", "M"),
            (2, 5900, "5.610", "µg/L", "M"),
            (4, 6100, ">7500", "µg/L", "M"),
            (7, 6500, "6.900", "µg/L", "M"),
        ),
        *("not_attained", None),
    ),
    (
        *("ATH-003", "athens", "precision", 9),
        (
            (1, 3200, "980,5", "ng/mL", "S"),
            (2, 4100, "1.105", "ng/mL", "S"),
            (4, 9300, "870", "ng/mL", "I"),
            (7, 12500, "644,2", "ng/mL", "U"),
            (15, 16800, "391", "ng/mL", "U"),
        ),
        *("attained", 7),
    ),
    (
        *("JEN-001", "jena", "placebo", 0),
        (
            (1, 2700, "2180", "pmol/L", "S"),
            (2, 2900, "2465.5", "pmol/L", "S"),
            (4, 4100, "1990", "pmol/L", "S"),
            (7, 6300, "1804", "pmol/L", "U"),
            (15, 5900, "1533", "pmol/L", "U"),
        ),
        *("not_attained", None),
    ),
    (
        *("JEN-002", "jena", "precision", 3),
        (
            (1, 3900, "3010", "pmol/L", "S"),
            (2, 9600, "2700", "pmol/L", "U"),
            (4, 6900, "2515", "pmol/L", "U"),
            (7, 10400, "1870", "pmol/L", "U"),
            (15, 13100, "1210", "pmol/L", "U"),
        ),
        *("attained", 7),
    ),
    (
        *("JEN-003", "jena", "placebo", 9),
        (
            (1, 11200, "1438", "pmol/L", "U"),
            (2, 12000, "1502", "pmol/L", "U"),
            (4, 10600, "1377", "pmol/L", "U"),
            (7, 15300, "920", "pmol/L", "U"),
        ),
        *("not_applicable", None),
    ),
    (
        *("UTR-001", "utrecht", "precision", 0),
        (
            (1, 2100, "> 16500", "ng/mL", "M"),
            (2, 2600, "15200", "ng/mL", "M"),
            (4, 3600, "9040", "ng/mL", "M"),
            (7, 6100, "4120", "ng/mL", "U"),
            (15, 9900, "2215.5", "ng/mL", "U"),
        ),
        *("attained", 4),
    ),
    (
        *("UTR-002", "utrecht", "placebo", 3),
        (
            (1, 4100, "702", "ng/mL", "S"),
            (2, 3600, "655", "ng/mL", "S"),
            (4, 3800, "690.5", "ng/mL", "I"),
            (7, 4000, "633.5", "ng/mL", "S"),
        ),
        *("not_attained", None),
    ),
    (
        *("UTR-003", "utrecht", "precision", 9),
        (
            (1, 4000, ">2000", "ng/mL", "I"),
            (2, 4200, "1811", "ng/mL", "S"),
            (4, 6800, "1240", "ng/mL", "U"),
            (7, 9400, "905", "ng/mL", "U"),
        ),
        *("not_applicable", None),
    ),
    (
        *("LEU-001", "leuven", "placebo", 0),
        (
            (1, 3300, "1240", "µg/L", "S"),
            (2, 3700, "1302,5", "µg/L", "I"),
            (4, 4000, "haemolysed", "µg/L", "I"),
            (7, 6800, "876", "µg/L", "U"),
            (15, 6900, "540,8", "µg/L", "U"),
        ),
        *("not_attained", None),
    ),
    (
        *("LEU-002", "leuven", "precision", 3),
        (
            (1, 4300, "4.105", "µg/L", "S"),
            (2, 6100, "3.620", "µg/L", "U"),
            (4, 9700, "2.840", "µg/L", "U"),
            (7, 13900, "1.995", "µg/L", "U"),
            (15, 21500, "702,4", "µg/L", "U"),
        ),
        *("attained", 4),
    ),
    (
        *("LEU-003", "leuven", "placebo", 9),
        (
            (1, 15800, "512", "µg/L", "U"),
            (2, 14300, "488,6", "µg/L", "U"),
            (4, 17600, "430", "µg/L", "I"),
            (7, 21000, "", "µg/L", "I"),
        ),
        *("not_applicable", None),
    ),
)

# What goes wrong: sample_id: changes of the TubePlan (`blood` changes its blood).
PROBLEMS: dict[str, dict[str, object]] = {
    "LEU-001-d2": {"damage": "truncated", "expected_status": "failed", "expected_flag": "truncated_fcs"},
    "LEU-003-d4": {"damage": "missing", "expected_status": "failed", "expected_flag": "missing_file"},
    "ATH-003-d4": {"pe_voltage_change": 30.0, "expected_status": "failed", "expected_flag": "settings_mismatch"},
    "UTR-002-d4": {
        "blood": {"monocyte_fraction": 0.0018},
        "expected_status": "failed",
        "expected_flag": "no_monocytes",
    },
    "UTR-001-d2": {
        "blood": {"monocyte_fraction": 0.022},
        "expected_status": "review",
        "expected_flag": "few_monocytes",
    },
    "ATH-002-d7": {"bead_id": "", "expected_status": "failed", "expected_flag": "calibration_missing"},
    "JEN-002-d4": {
        "blood": {"drift": {"PE": -0.55}},
        "expected_status": "failed",
        "expected_flag": "signal_drift",
    },
    "JEN-001-d4": {"hours": 13.0, "expected_status": "review", "expected_flag": "preanalytic_delay"},
    "UTR-003-d2": {"identity": True},
    "ATH-001-d2": {"identity": True},
}
# Values without a tube, and a second value of one draw.
MORE_FERRITIN = (
    ("ATH-001", 3, "8.205", "ng/mL", ""),
    ("JEN-001", 2, "2480", "pmol/L", ""),
    ("LEU-002", 21, "610", "µg/L", ""),
)
SOFA = {"attained": (11, 8, 5), "not_attained": (10, 10, 9), "not_applicable": (7, 6, 4)}
