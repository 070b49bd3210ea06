"""Captions, and what the public COCO caption evaluation gave for them."""

import importlib.util
import shutil

CANDIDATES = [
    "A dog runs across the wet grass .",
    "Two men don't look at the camera, they're playing chess.",
    "the the the the red kite",
    "A child",
    "",
    "A man in a T-shirt (number 7) rides his bike at 5 p.m.",
    "The woman with the umbrella waits for a bus",
]
REFERENCES = [
    ["A brown dog runs across wet grass.", "The dog is running on the grass", "A dog is outside !"],
    ["Two old men are playing chess in the park .", "Men who don't look at the camera play chess"],
    ["A red kite in the sky", "The kite flies high above the beach and the sea .", "A kite"],
    ["A small child on a swing", "A child is swinging", "Child"],
    ["Nobody is in the picture"],
    ["A man wearing number 7 rides a bike .", "A cyclist in a T-shirt, number 7, races through the town at 5 p.m."],
    [
        "A woman with an umbrella waits for the bus in the rain",
        "The woman is waiting at the bus stop.",
        "...",
        "A woman in the rain",
    ],
]
# What pycocoevalcap 1.2 (PTBTokenizer, Bleu, Rouge, Cider, Meteor; Java 17) gave for them: the corpus, each caption.
PUBLISHED = {
    "BLEU-1": (
        0.8823529411418686,
        [0.9999999997142859, 0.833333333263889, 0.8333333330555557, 0.9999999995000004, 0, 0.7999999999466668]
        + [0.9999999998888891],
    ),
    "BLEU-2": (
        0.6567895774025704,
        [0.8164965806847213, 0.674199862404505, 0.40824829032097637, 0.9999999992500007, 0, 0.5855400437286898]
        + [0.7071067811030698],
    ),
    "BLEU-3": (
        0.4456144803288587,
        [0.5108729547692865, 0.5665163348909172, 3.4668063704627553e-06, 0.009999999995000007, 0, 0.37503052251924274]
        + [0.41491326663070893],
    ),
    "BLEU-4": (
        0.2972556072063975,
        [7.598356853987667e-05, 0.49616829998623635, 1.0855926036156243e-08, 0.0009999999996250003, 0]
        + [4.578831371792458e-05, 5.8739490938979575e-05],
    ),
    "ROUGE-L": (
        0.6191302599824413,
        [0.8571428571428571, 0.7393939393939394, 0.5, 1.0, 0, 0.6802973977695167, 0.5570776255707762],
    ),
    "CIDEr-D": (
        1.6791542762069274,
        [2.147705294212056, 2.985003825724486, 1.4199757403781497, 2.1860267821617363, 0, 1.810523628989744]
        + [1.20484466198232],
    ),
    "METEOR": (
        0.3498616078561154,
        [0.4087013150993159, 0.4678632151082797, 0.26128938777289606, 0.38095238095238093, 0, 0.33772928793147533]
        + [0.35738820248877073],
    ),
}
HAS_METEOR = bool(shutil.which("java") and importlib.util.find_spec("pycocoevalcap"))
