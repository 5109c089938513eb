"""How jobs run: notebooks and kernels, what a job depends on, damaged and misdated files, what jobs used."""
