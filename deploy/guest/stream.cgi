#!/bin/sh
# A download that never ends: numbered lines, 50 a second. A gap or a repeat shows what a migration
# did.
printf 'Content-Type: text/plain\r\n\r\n'
number=0
while echo "$number"; do
  number=$((number + 1))
  usleep 20000
done
