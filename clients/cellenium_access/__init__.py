"""Files into and out of a bucket that cellenium-admin keeps: log in, take temporary credentials, upload.

Python 3.9 and its standard library; the commands that ask AWS itself with keys of one's own need botocore.
"""

VERSION = "1"
