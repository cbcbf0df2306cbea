"""The driver for MariaDB that Django finds in this process: it asks for MySQLdb, whoever that is."""

from __future__ import annotations

import os

import pymysql

#: The environment variable that says which driver the tests have: "pymysql", which is the default, or "mysqlclient".
VARIABLE = "PIXELMW_TEST_MYSQL_DRIVER"


def choose() -> None:
    """Have PyMySQL stand in for MySQLdb, unless the driver is to be mysqlclient, which is MySQLdb."""
    if os.environ.get(VARIABLE, "pymysql") == "pymysql":
        pymysql.install_as_MySQLdb()
