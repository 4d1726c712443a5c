"""Small models with facts that can be computed by hand."""

BALL = """<mujoco model="ball"><worldbody><body name="ball" pos="0 0 7">
  <freejoint/><geom type="sphere" size="0.1" mass="2"/></body></worldbody></mujoco>"""

BOX = """<mujoco model="box"><worldbody><body name="box">
  <freejoint/><geom type="box" size="0.1 0.1 0.1" mass="2"/></body></worldbody></mujoco>"""

# A rod on a hinge, inertia about the hinge: 0.02 (own) + 1.5 * 0.2^2 = 0.08 kg m^2, armature 0.02 kg m^2.
HINGE = """<mujoco model="hinge"><worldbody><body name="base">
  <geom size="0.02" mass="1" contype="0" conaffinity="0"/>
  <body name="rod"><joint name="turn" axis="0 1 0" armature="0.02"/>
    <inertial pos="0.2 0 0" mass="1.5" diaginertia="0.02 0.02 0.02"/>
    <geom type="capsule" fromto="0 0 0 0.4 0 0" size="0.01"/></body></body></worldbody>
  <actuator><motor name="m" joint="turn" gear="7"/></actuator></mujoco>"""
HINGE_INERTIA = 0.02 + 1.5 * 0.2**2 + 0.02

SLIDER = """<mujoco model="slider"><worldbody><body name="base">
  <geom size="0.02" mass="1" contype="0" conaffinity="0"/>
  <body name="cart"><joint name="x" type="slide" axis="1 0 0" {joint}/>
    <geom type="box" size="0.1 0.1 0.1" mass="2"/></body></body></worldbody>{actuator}</mujoco>"""

# Materials that are not defined, a floor and a light of the file's own, a sensor, and motors in another order
# than the joints.
LIMBS = """<mujoco model="limbs"><compiler angle="degree"/><worldbody>
  <geom name="floor" type="plane" size="5 5 1" material="grid"/><light pos="0 0 3"/>
  <body name="trunk" pos="0 0 3"><freejoint name="root"/>
    <geom name="trunk" size="0.1" mass="3" material="self"/>
    <body name="left" pos="0 0.2 0">
      <joint name="a" axis="0 1 0" range="-30 60" stiffness="2" damping="0.5"/><geom size="0.05" mass="1"/>
      <body name="tip" pos="0 0.2 0">
        <joint name="b" axis="1 0 0" range="0 90"/><geom size="0.05" mass="0.5"/></body></body>
    <body name="right" pos="0 -0.2 0">
      <joint name="c" axis="0 0 1" range="-90 90"/><geom size="0.05" mass="1"/></body>
  </body></worldbody>
  <actuator><motor name="mc" joint="c" gear="3"/><motor name="ma" joint="a" gear="5"/></actuator>
  <sensor><framepos objtype="body" objname="tip"/></sensor></mujoco>"""

# Two fists that overlap: apart from collisions nothing moves them.
FISTS = """<mujoco model="fists"><worldbody><body name="trunk"><geom size="0.05" mass="1"/>
  <body name="left" pos="0 0.5 0">
    <joint name="l" type="slide" axis="0 1 0"/><geom size="0.1" mass="1"/></body>
  <body name="right" pos="0 0.65 0">
    <joint name="r" type="slide" axis="0 1 0"/><geom size="0.1" mass="1"/></body>
  </body></worldbody></mujoco>"""

URDF_ARM = """<robot name="arm">
  <link name="base"><collision><geometry><box size="0.2 0.2 0.2"/></geometry></collision></link>
  <link name="upper"><inertial><origin xyz="0 0 0.5"/><mass value="3"/></inertial>
    <collision><origin xyz="0 0 0.5"/><geometry><box size="0.2 0.4 1.0"/></geometry></collision></link>
  <link name="tool"><collision><geometry><sphere radius="0.1"/></geometry></collision></link>
  <link name="early"><inertial><mass value="1"/><inertia ixx="1" iyy="2" izz="2.5"/></inertial></link>
  <joint name="z_shoulder" type="revolute"><parent link="base"/><child link="upper"/><origin xyz="0 0 0.1"/>
    <axis xyz="0 1 0"/><limit lower="-1" upper="2" effort="30" velocity="4"/><dynamics damping="0.5"/></joint>
  <joint name="wrist" type="fixed"><parent link="upper"/><child link="tool"/>
    <origin xyz="0 0 1" rpy="0 0 1.5707963267948966"/></joint>
  <joint name="a_slide" type="prismatic"><parent link="base"/><child link="early"/>
    <limit lower="0" upper="1" effort="5" velocity="1"/></joint></robot>"""

ENTITY_BOMB = """<?xml version="1.0"?><!DOCTYPE mujoco [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<mujoco model="&b;"><worldbody><body><geom size="1"/></body></worldbody></mujoco>"""
