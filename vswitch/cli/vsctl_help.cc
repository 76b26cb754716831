#include "vswitch/cli/vsctl_options.h"

namespace outrider::cli {

std::string VsctlHelp(const std::string& program, const std::string& db) {
  return program + ": reads and changes the Open_vSwitch database of this host\n" +
         "usage: " + program + " [OPTIONS] [--] [COMMAND OPTIONS] COMMAND [ARG...] [-- ...]\n" +
         R"(
All commands of one line are one transaction: either all of them take effect, or none.

Bridges:
  add-br BRIDGE [PARENT VLAN]   create BRIDGE; with PARENT, a fake one for VLAN of it
  del-br BRIDGE                 delete BRIDGE and its ports
  list-br [--real] [--fake]     names of bridges
  br-exists BRIDGE              exit code 2 if there is no such bridge
  br-to-vlan, br-to-parent BRIDGE
  br-set-external-id BRIDGE KEY [VALUE], br-get-external-id BRIDGE [KEY]

Ports (a bond is one port) and interfaces:
  add-port BRIDGE PORT [COLUMN=VALUE...], del-port [BRIDGE] PORT
  add-bond BRIDGE PORT IFACE IFACE..., add-bond-iface, del-bond-iface BOND IFACE
  list-ports, list-ifaces BRIDGE
  port-to-br PORT, iface-to-br IFACE

Connections:
  set-controller BRIDGE TARGET..., get-controller, del-controller BRIDGE
  set-fail-mode BRIDGE MODE, get-fail-mode, del-fail-mode BRIDGE
  set-manager TARGET..., get-manager, del-manager
  set-ssl PRIVATE-KEY CERTIFICATE CA-CERT, get-ssl, del-ssl

The switch:
  show, init, emer-reset
  add-aa-mapping, del-aa-mapping BRIDGE ISID VLAN, get-aa-mapping BRIDGE
  add-zone-tp DP zone=N POLICY..., del-zone-tp DP zone=N, list-zone-tp DP
  list-dp-cap DP

Tables (names may be shortened; RECORD is a name, a uuid or its beginning, or "."):
  list TABLE [RECORD...]                   all columns, or those of --columns=A,B
  find TABLE [COLUMN[:KEY]=VALUE...]       rows for which all of it is so
  get TABLE RECORD COLUMN[:KEY]...
  set TABLE RECORD COLUMN[:KEY]=VALUE...
  add TABLE RECORD COLUMN [KEY=]VALUE...
  remove TABLE RECORD COLUMN KEY|VALUE|KEY=VALUE...
  clear TABLE RECORD COLUMN...
  create TABLE COLUMN[:KEY]=VALUE...       --id=@NAME names the row within the line
  destroy TABLE RECORD...                  or --all
  wait-until TABLE RECORD [COLUMN[:KEY]=VALUE...]

Options:
  --db=REMOTE                 the database (default: )" +
         db + R"()
                              unix:PATH, tcp:ADDRESS:PORT or ssl:ADDRESS:PORT
  --no-wait                   do not wait until the switch has done it
  --retry                     keep trying to connect
  -t, --timeout=SECONDS       give up after that time
  --dry-run                   do everything but commit
  --oneline                   one line of output per command
  -f, --format=FORMAT         table, list, html, csv or json
  -d, --data=FORMAT           cells as string, bare or json
  --no-headings, --columns=LIST, --max-column-width=N, --pretty
  --bare                      --format=list --data=bare --no-headings
  -p, --private-key=FILE  -c, --certificate=FILE  -C, --ca-cert=FILE
  --bootstrap-ca-cert=FILE    keep the authority of the first server as FILE
  -v, --verbose[=SPEC]        more (or less) on standard error
  --commands, --options       all of them, for completion by shells
  -h, --help  -V, --version

Examples:
  A port for a guest's tap, in VLAN 20, named for its virtual interface:
    )" + program +
         R"( -- --may-exist add-port br0 tap0 tag=20 \
      -- set Interface tap0 external-ids:iface-id=8b1f3f6e-9c1d-4f0e-8a4e-2f4f3a1c5d77
  Which ports have a profile, as a table:
    )" + program +
         R"( -f table --columns=name,external_ids find Interface 'external_ids:port-profile!=""'
  A shaper and its queue, by names that hold within the line:
    )" + program +
         R"( set Port tap0 qos=@q -- --id=@q create QoS type=linux-htb queues:0=@q0 \
      -- --id=@q0 create Queue other_config:max-rate=100000000
)";
}

}  // namespace outrider::cli
