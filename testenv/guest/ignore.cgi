#!/bin/sh
printf 'Content-Type: text/plain\r\n\r\n'
case $QUERY_STRING in no) rm -f /run/ignore-shutdown;; *) : >/run/ignore-shutdown;; esac
echo "ignore-shutdown=${QUERY_STRING:-yes}"
