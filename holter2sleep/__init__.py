"""holter2sleep: one overnight ECG lead in, a night's cardio-sleep phenotype out. Research use only."""

__version__ = "0.1.0"
