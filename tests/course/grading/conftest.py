import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # invented_class is imported by its name
