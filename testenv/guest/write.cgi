#!/bin/sh
printf 'Content-Type: text/plain\r\n\r\n'
echo "$QUERY_STRING" >/data/content.new && sync && mv /data/content.new /data/content && sync && echo "written=$QUERY_STRING"
