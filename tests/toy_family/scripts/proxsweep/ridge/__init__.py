"""Family ``ridge``: linear regression with a ridge penalty on the columns of a CSV table."""
