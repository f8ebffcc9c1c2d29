import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # the tables are imported as wrong_answers.<module>
