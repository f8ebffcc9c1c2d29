"""What all pages share: the skeleton, the student's Markdown made safe, the pictures."""
