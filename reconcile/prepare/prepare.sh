# Prepares a machine as a host, or takes that back; runs as root under sh -c with values before it. Each thing that is not
# as it shall be is said, then done ("+ …"); nothing else is touched. "  …" is a remark, "! …" the end.
set -u
LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
umask 022
lib=/usr/lib/plumb home=/var/lib/plumb-ssh units=/etc/systemd/system sudoers=/etc/sudoers.d/plumb local=/usr/local/bin/plumb

fail() { echo "! $*"; exit 1; }
note() { echo "  $*"; }
step() { # TEXT COMMAND…
	echo "+ $1"
	shift
	[ -n "$dry" ] || "$@" || fail "that failed: $*"
}

echo "plumb-prepare 1"
[ "$(id -u)" = 0 ] || fail "preparing is root's work, and this is $(id -un): name another login (HOST=root@HOST), or say --sudo"

# Files.

put() { # PATH MODE: what comes in, at once and whole
	cat >"$1.new" && chmod "$2" "$1.new" && mv -f "$1.new" "$1"
}
same() { # PATH CONTENT
	[ -f "$1" ] && [ "$(cat "$1")" = "$2" ]
}
put_unit() { printf '%s\n' "$unit" | put "$units/plumb-undo.service" 644; }
put_sudoers() { printf '%s\n' "$rule" | put "$sudoers" 440 && visudo -cqf "$sudoers"; }
link() { ln -sfn "$1" "$2.new" && mv -fT "$2.new" "$2"; }

# The binary.

receive() {
	in=$lib/incoming.$$
	mkdir -p $lib && cat >"$in" || return 1
	echo "$sum  $in" | sha256sum -c --status 2>/dev/null || { rm -f "$in"; note "what arrived is not what was sent"; return 1; }
	chmod 755 "$in" && sync "$in" && mv -f "$in" "$lib/plumb-$sum"
}
binary() {
	[ "$(uname -m)" = "$arch" ] || fail "this machine is $(uname -m), and the binary is for $arch: give the right one with --binary"
	echo "$sum  $lib/plumb-$sum" | sha256sum -c --status 2>/dev/null || step "copy plumb $version ($size) to $lib/plumb-$sum" receive
	[ "$(readlink $lib/plumb)" = "plumb-$sum" ] || step "let $lib/plumb be that one" link "plumb-$sum" $lib/plumb
	[ -n "$(command -v plumb)" ] || step "link $local to it" link $lib/plumb $local
	[ -n "$dry" ] || find $lib -name 'incoming.*' -mmin +60 -delete # of copies that were cut off
	kept=
	for old in $(ls -t $lib 2>/dev/null | grep -x 'plumb-[0-9a-f]*' | grep -vx "plumb-$sum"); do
		[ -n "$kept" ] || { kept=$old; continue; } # the one before stays
		step "remove the old $lib/$old" rm -f "$lib/$old"
	done
}

# Who comes in.

make_user() {
	useradd --system --user-group --comment Plumbline --home-dir $home --no-create-home --shell /bin/sh "$user" && usermod -p '*' "$user"
}
make_ssh() { # HOME: of root, so that the user cannot let others in
	case $1 in
	"$home") install -d -m 755 "$1" "$1/.ssh" ;;
	*) install -d -m 700 -o "$user" "$1/.ssh" ;;
	esac
}
account() {
	if [ "$user" != root ]; then
		getent passwd "$user" >/dev/null || step "make the user $user, who has no password" make_user
		case $(getent passwd "$user") in
		*nologin | */false) step "give $user the shell /bin/sh, for ssh runs commands with it" usermod -s /bin/sh "$user" ;;
		esac
		same $sudoers "$rule" || step "let $user run \"$command\" as root, and nothing else: $sudoers" put_sudoers
	fi
	at=$(getent passwd "$user" | cut -d: -f6)
	at=${at:-$home}
	[ -d "$at/.ssh" ] || step "make $at/.ssh" make_ssh "$at"
	keys=$at/.ssh/authorized_keys
}
admit() { # COMMENT LINE: instead of the line with this comment
	{
		grep -v " $1\$" "$keys" 2>/dev/null
		[ -z "$2" ] || printf '%s\n' "$2"
	} | put "$keys" 644
}
key() { # COMMENT KEY COMMAND
	[ -n "$2" ] || return 0
	line="restrict,command=\"$3\" $2 $1"
	grep -qxF "$line" "$keys" 2>/dev/null && return 0
	if other=$(grep -nF "${2#* }" "$keys" 2>/dev/null | grep -v " $1\$"); then
		note "that key is in $keys already, line ${other%%:*}, for more than this; it is left so. Give the controller a key of its own (--key)"
		return 0
	fi
	step "let the key ${2#* } in for \"$3\" only: $keys" admit "$1" "$line"
}

# At boot.

boot() {
	if [ ! -d /run/systemd/system ]; then
		note "systemd does not run here: let the machine run \"$lib/plumb exec --boot\" at boot"
		return 0
	fi
	same $units/plumb-undo.service "$unit" || step "take back at boot what is not confirmed: $units/plumb-undo.service" put_unit
	wants=$units/multi-user.target.wants
	if [ ! -e $wants/plumb-undo.service ]; then
		mkdir_link() { mkdir -p $wants && link $units/plumb-undo.service $wants/plumb-undo.service; }
		step "enable plumb-undo.service" mkdir_link
	fi
	[ -n "$dry" ] || systemctl daemon-reload 2>/dev/null || note "systemctl daemon-reload failed; the next boot reads the unit all the same"
}

install_host() {
	[ "$user" = root ] || [ -n "$(command -v sudo)" ] || fail "what operations do is root's work, and sudo is not there to let $user do it: install sudo, or say --user root"
	binary
	account
	key "plumbline-$name" "$full" "$command"
	key "plumbline-read-only-$name" "$looks" "$command --read-only"
	[ -d /etc/plumb/secrets ] || step "make /etc/plumb/secrets, for what objects refer to" install -d -m 700 /etc/plumb/secrets
	boot
}

# Taking it back.

remove_host() {
	ls /var/lib/plumb/exec/confirm/*.json >/dev/null 2>&1 && fail "a change waits for its confirmation here, and nobody would take it back: try again when it is done"
	at=$(getent passwd "$user" | cut -d: -f6)
	keys=$at/.ssh/authorized_keys
	for comment in "plumbline-$name" "plumbline-read-only-$name"; do
		grep -q " $comment\$" "$keys" 2>/dev/null && step "take the key $comment out of $keys" admit "$comment" ""
	done
	[ ! -e $units/plumb-undo.service ] || step "remove $units/plumb-undo.service" rm -f $units/plumb-undo.service $units/multi-user.target.wants/plumb-undo.service
	[ ! -e $sudoers ] || [ "$user" = root ] || step "remove $sudoers" rm -f $sudoers
	if [ "$user" != root ] && [ "$at" = $home ]; then
		step "remove the user $user and $home" sh -c "userdel '$user' && rm -rf $home"
	fi
	[ "$(readlink $local)" != $lib/plumb ] || step "remove $local" rm -f $local
	[ ! -d $lib ] || step "remove $lib" rm -rf $lib
	for kept in /var/lib/plumb /etc/plumb; do
		[ ! -d $kept ] || note "$kept is kept: what undoing needs, and secrets; remove it yourself when nothing is managed here any more"
	done
}

$work
